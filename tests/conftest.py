"""Property tests search in the same way on every machine, however slow it is."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "sagakit", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("sagakit")
