"""Kinto, a store of JSON records with generations, as its package makes it: memory, schemas switched on."""

import kinto

from tests.services.serving import options, serve

if __name__ == "__main__":
    told = options(__doc__)  # one thread: its memory looks and then writes, and two at once lose updates
    settings = {
        "kinto.storage_backend": "kinto.core.storage.memory",
        "kinto.cache_backend": "kinto.core.cache.memory",
        "kinto.permission_backend": "kinto.core.permission.memory",
        "kinto.userid_hmac_secret": "for a test on loopback",
        "kinto.experimental_collection_schema_validation": "true",
        "multiauth.policies": "basicauth",
    }
    serve(kinto.main({}, **settings), told.port, threads=1)
