"""The profiles that come with quotalab."""
