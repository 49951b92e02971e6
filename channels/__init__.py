"""Every way in and out of the hotline; each normalises to the domain's own words."""
