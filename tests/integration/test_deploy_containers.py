"""Containers, Kubernetes, systemd: accepted by their own tools, locked down, patient at the end."""

import asyncio
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stocksync.sandbox.catalogue import STORES
from stocksync.sandbox.serve import CREDENTIALS
from stocksync.service import DRAIN_SECONDS
from stocksync.settings import Settings, load_settings
from tests.integration.deploy_kit import DEPLOY, document, run, tool

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
OVERLAYS = ("demo", "production")
EXAMPLES = (
    "config/stocksync.yaml",
    "kubernetes/base/stocksync.yaml",
    "kubernetes/overlays/production/stocksync.yaml",
    "kubernetes/overlays/demo/stocksync.yaml",
)
_SECRET = re.compile(r"_file: /run/secrets/([\w/]+)")


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert not run(tool("hadolint"), "Dockerfile")


def test_the_image_runs_as_nobody_in_particular_and_is_stopped_gently() -> None:
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert "\nUSER 65532:65532\n" in last
    assert "\nSTOPSIGNAL SIGTERM\n" in last
    assert "\nVOLUME /data\n" in last
    assert "pip install" not in last
    assert "curl" not in DOCKERFILE


def test_only_what_the_image_is_made_of_goes_to_the_builder() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert "*" in lines
    assert allowed == copied


def health_check(port: int) -> list[str]:
    found = re.search(r"^HEALTHCHECK .*\\\n\s+CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    assert found is not None
    command: list[str] = json.loads(found[1].replace("8080", str(port)))
    assert command[0] == "python"
    return [sys.executable, *command[1:]]


@pytest.mark.parametrize(("status", "code"), [(b"200 OK", 0), (b"503 Not now", 1)])
async def test_the_health_check_believes_the_door(status: bytes, code: int) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(*health_check(port))
        assert await process.wait() == code
    assert asked[0].startswith(b"GET /healthz HTTP/1.1\r\n")


def test_compose_is_what_the_specification_says() -> None:
    schema = "vendor.compose-spec"
    told = run(tool("check-jsonschema"), "--builtin-schema", schema, "compose.yaml")
    assert told.startswith("ok")


def test_every_container_is_locked_down_and_reachable_from_this_machine_only() -> None:
    for name, service in document("compose.yaml")["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert ":latest" not in service["image"] or service["image"] == "stocksync:latest"


def test_secrets_are_files_that_stay_out_of_the_repository() -> None:
    compose = document("compose.yaml")
    used = {name for at in compose["services"].values() for name in at.get("secrets", ())}
    assert compose["secrets"].keys() == used
    assert all(at["file"] == f"./secrets/{name}" for name, at in compose["secrets"].items())
    assert "*" in (DEPLOY / "secrets/.gitignore").read_text().splitlines()


def accepted(example: str, folder: Path) -> Settings:
    """Load an example as it would be in its container: its secrets are files there."""
    text = (DEPLOY / example).read_text()
    for name in set(_SECRET.findall(text)):
        file = folder / name.replace("/", "-")
        file.write_text("a-secret-of-this-test\n")
        file.chmod(0o600)
        text = text.replace(f"/run/secrets/{name}", str(file))
    config = folder / "stocksync.yaml"
    config.write_text(text)
    config.chmod(0o600)
    return load_settings(config, {})


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_configurations_are_accepted_without_a_warning(
    example: str, tmp_path: Path
) -> None:
    settings = accepted(example, tmp_path)
    assert settings.warnings == ()
    assert settings.http.host == "0.0.0.0"  # noqa: S104 - inside a container
    assert settings.http.token is not None


def test_the_containers_are_given_every_secret_of_the_example() -> None:
    named = set(_SECRET.findall((DEPLOY / "config/stocksync.yaml").read_text()))
    assert named == set(document("compose.yaml")["services"]["stocksync"]["secrets"])


def test_the_demo_knows_the_sandbox(tmp_path: Path) -> None:
    settings = accepted("kubernetes/overlays/demo/stocksync.yaml", tmp_path)
    assert [(at.id, at.platform) for at in settings.stores] == [at[:2] for at in STORES]
    for store in settings.stores:
        given = {name: at.get_secret_value() for name, at in store.credentials.items()}
        assert given == CREDENTIALS[store.platform]


def resources(overlay: str) -> list[dict[str, Any]]:
    rendered = run(tool("kubectl"), "kustomize", DEPLOY / f"kubernetes/overlays/{overlay}")
    return [at for at in yaml.safe_load_all(rendered) if at]


def only(found: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    [one] = [at for at in found if at["kind"] == kind]
    return one


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_accepts_what_kustomize_makes(overlay: str, tmp_path: Path) -> None:
    known = [at for at in resources(overlay) if "coreos" not in at["apiVersion"]]
    file = tmp_path / "resources.yaml"
    file.write_text(yaml.safe_dump_all(known))
    told = run(tool("kubernetes-validate"), "--strict", file)
    assert told.count("passed for resource") == len(known)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_pod_is_alone_locked_down_and_given_time_to_end(overlay: str) -> None:
    stateful = only(resources(overlay), "StatefulSet")["spec"]
    pod = stateful["template"]["spec"]
    assert stateful["replicas"] == 1
    assert pod["terminationGracePeriodSeconds"] > DRAIN_SECONDS
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for container in [*pod["initContainers"], *pod["containers"]]:
        locked = container["securityContext"]
        assert locked["readOnlyRootFilesystem"] is True
        assert locked["allowPrivilegeEscalation"] is False
        assert locked["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


def test_the_demo_starts_its_stores_before_it_looks_at_them() -> None:
    pod = only(resources("demo"), "StatefulSet")["spec"]["template"]["spec"]
    first, second = pod["initContainers"]
    assert (first["args"][0], first["restartPolicy"]) == ("sandbox", "Always")
    assert second["args"] == ["migrate"]


def test_what_selects_the_pod_names_a_label_that_it_has() -> None:
    found = resources("production")
    pod = only(found, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    selectors: list[Mapping[str, str]] = [
        only(found, "Service")["spec"]["selector"],
        only(found, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector
        assert selector.items() <= pod.items()
    monitored = only(found, "ServiceMonitor")["spec"]["selector"]["matchLabels"]
    assert monitored.items() <= only(found, "Service")["metadata"]["labels"].items()


def test_systemd_finds_the_unit_hardly_exposed() -> None:
    unit = DEPLOY / "systemd/stocksync.service"
    # Exit 1 when the exposure is above 2.0 of 10.
    told = run(tool("systemd-analyze"), "security", "--offline=true", "--threshold=20", unit)
    assert "Overall exposure level" in told


def test_the_unit_reloads_by_the_signal_that_the_service_listens_to() -> None:
    unit = (DEPLOY / "systemd/stocksync.service").read_text()
    assert "\nExecReload=/bin/kill -HUP $MAINPID\n" in unit
    assert "CREDENTIALS_DIRECTORY}" in unit
    assert "\n# LoadCredential=shop_password:" in unit


def test_everyone_who_may_stop_the_service_waits_longer_than_it_drains() -> None:
    unit = (DEPLOY / "systemd/stocksync.service").read_text()
    found = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert found is not None
    assert int(found[1]) > DRAIN_SECONDS
    grace = document("compose.yaml")["services"]["stocksync"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > DRAIN_SECONDS
