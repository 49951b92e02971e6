"""Open311 GeoReport v2 (wiki.open311.org/GeoReport_v2): existing apps report matters and read how they stand."""
