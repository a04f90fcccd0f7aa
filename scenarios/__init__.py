"""The shipped scenario files: data only. A module so that an installed quotalab finds them."""
