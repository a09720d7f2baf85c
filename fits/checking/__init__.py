"""What a careful colleague would ask about a study file; :mod:`fits.check` puts the parts together."""
