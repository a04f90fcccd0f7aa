"""Functions of the C library as compiled code calls them, with addresses as numbers; Linux on 64 bits."""

import numba

_WORD, _NUMBER, _WHOLE = numba.types.uintp, numba.types.int32, numba.types.int64
_External = numba.types.ExternalFunction

malloc = _External("malloc", _WORD(_WORD))
calloc = _External("calloc", _WORD(_WORD, _WORD))
realloc = _External("realloc", _WORD(_WORD, _WORD))
free = _External("free", numba.types.void(_WORD))
memcpy = _External("memcpy", _WORD(_WORD, _WORD, _WORD))
memset = _External("memset", _WORD(_WORD, _NUMBER, _WORD))
mmap = _External("mmap", _WORD(_WORD, _WORD, _NUMBER, _NUMBER, _NUMBER, _WHOLE))
munmap = _External("munmap", _NUMBER(_WORD, _WORD))
fallocate = _External("fallocate", _NUMBER(_NUMBER, _NUMBER, _WHOLE, _WHOLE))
