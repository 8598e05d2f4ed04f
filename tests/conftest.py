"""What holds for every test: hypothesis judges results, never time, since these machines are shared."""

from hypothesis import HealthCheck, settings

settings.register_profile("podseal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("podseal")
