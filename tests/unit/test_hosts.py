"""Endpoints may be plain http inside the operator's own network, and nowhere else."""

from __future__ import annotations

import pytest

from dailies.catalogue import Catalogue
from dailies.hosts import PrivateHosts
from dailies.settings import Settings
from dailies.video.errors import SettingsError

STORAGE = {"VideoStorage": "UseDevelopmentStorage=true"}
NAMED = "gpu-1.internal, 10.1.0.0/16,192.168.7.9, fd00:7::/64,"
CATALOGUE = """
default_model: wan
models:
  wan:
    deployments:
      - name: wan
        provider: openai-videos
        endpoint: ${GPU}
        deployment: wan
        credential: none
        sizes: [1280x720]
        seconds: [4]
        prices: null
"""


def endpoint(url: str, hosts: str = NAMED) -> str | None:
    settings = Settings.load(STORAGE | {"DAILIES_PRIVATE_HOSTS": hosts})
    catalogue = Catalogue.parse(CATALOGUE, {"GPU": url}, private_hosts=settings.private_hosts)
    return catalogue.deployments[0].endpoint


@pytest.mark.parametrize(
    "url",
    [
        "http://gpu-1.internal:8000",
        "http://GPU-1.internal",
        "http://10.1.255.3:8000",
        "http://192.168.7.9",
        "http://[fd00:7::2]:8000",
        "http://127.0.0.1:8000",
        "https://anywhere.example",
    ],
)
def test_http_is_for_hosts_that_the_operator_names(url: str) -> None:
    assert endpoint(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://gpu-2.internal:8000",
        "http://gpu-1.internal.example.com",
        "http://x.gpu-1.internal",
        "http://10.2.0.1",
        "http://192.168.7.10",
        "http://[fd00:8::2]",
        "http://167837697",  # 10.1.0.1 in another notation
        "http://gpu-1.internal@example.com",
        "ftp://10.1.0.1",
    ],
)
def test_no_other_host_is_asked_by_http_and_the_error_names_the_remedy(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        endpoint(url)
    problem = caught.value.problems[0]
    assert "models.wan.deployments[0].endpoint" in problem
    assert "DAILIES_PRIVATE_HOSTS" in problem


def test_without_the_setting_only_this_machine_is_asked_by_http() -> None:
    for hosts in ("", " , "):
        with pytest.raises(SettingsError):
            endpoint("http://10.1.0.1", hosts)


@pytest.mark.parametrize(
    "hosts",
    [
        "0.0.0.0/0",
        "::/0",
        "8.8.8.8",
        "20.0.0.0/8",
        "http://gpu-1.internal",
        "gpu-1.internal:8000",
        "10.1.0.0/33",
        "*.internal",
        "gpu 1",
        "10.1.0.1-9/x",
    ],
)
def test_what_is_no_private_host_is_told_at_start(hosts: str) -> None:
    with pytest.raises(SettingsError, match="DAILIES_PRIVATE_HOSTS"):
        Settings.load(STORAGE | {"DAILIES_PRIVATE_HOSTS": hosts})


def test_the_apps_own_services_are_asked_by_https_all_the_same() -> None:
    environ = {
        "DAILIES_PRIVATE_HOSTS": "10.0.0.0/8",
        "DAILIES_EVENT_TOPIC_ENDPOINT": "http://10.0.0.1",
    }
    with pytest.raises(SettingsError, match="DAILIES_EVENT_TOPIC_ENDPOINT"):
        Settings.load(STORAGE | environ)


def test_a_shared_address_is_no_public_one() -> None:
    assert "100.64.1.1" in PrivateHosts.parse("100.64.0.0/10")
