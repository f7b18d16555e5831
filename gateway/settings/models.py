"""The configuration as one tree of values, and the questions the rest of the gateway asks it."""

from __future__ import annotations

from pydantic import Field, PrivateAttr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.core.record import identity_key
from gateway.settings.addresses import Address
from gateway.settings.origins import Origins
from gateway.settings.sections import (
    Authorization,
    Bus,
    Charger,
    Chargers,
    Log,
    Meter,
    Mqtt,
    Site,
    StatusPage,
    Store,
    Upstream,
)


class Settings(BaseSettings):
    """The whole configuration, made by `load`. Constructing it by hand reads no file and no environment."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, case_sensitive=True)

    site: Site = Field(default_factory=Site)
    store: Store = Field(default_factory=Store)
    chargers: Chargers = Field(default_factory=Chargers)
    charger: tuple[Charger, ...] = ()
    upstream: tuple[Upstream, ...] = ()
    authorization: Authorization = Field(default_factory=Authorization)
    mqtt: Mqtt = Field(default_factory=Mqtt)
    bus: tuple[Bus, ...] = ()
    meter: tuple[Meter, ...] = ()
    status_page: StatusPage = Field(default_factory=StatusPage)
    log: Log = Field(default_factory=Log)

    _origins: Origins = PrivateAttr(default_factory=Origins)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: `load` hands over files and environment itself."""
        return (init_settings,)

    @property
    def origins(self) -> Origins:
        """Which file or variable each value came from."""
        return self._origins

    def remember(self, origins: Origins) -> None:
        """Note where the values came from; told once, by the loader."""
        self._origins = origins

    @property
    def mqtt_given(self) -> bool:
        """Whether a broker was asked for; without it the local one is tried quietly."""
        return "mqtt" in self.model_fields_set

    @property
    def listen_addresses(self) -> tuple[Address, ...]:
        """Where chargers connect, plain listeners first."""
        tls = self.chargers.tls
        return (*self.chargers.listen, *(tls.listen if tls else ()))

    @property
    def default_upstream(self) -> Upstream | None:
        """Where chargers go that name no upstream: the first that is not read-only."""
        return next((upstream for upstream in self.upstream if upstream.mode == "primary"), None)

    def charger_of(self, identity: str) -> Charger | None:
        """What is configured for this charger; identities are compared without case."""
        key = identity_key(identity)
        return next((charger for charger in self.charger if identity_key(charger.identity) == key), None)

    def upstream_of(self, identity: str) -> Upstream | None:
        """Where this charger is relayed to."""
        charger = self.charger_of(identity)
        if charger is None or charger.upstream is None:
            return self.default_upstream
        return next((upstream for upstream in self.upstream if upstream.name == charger.upstream), None)
