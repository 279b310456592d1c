"""The files of deploy/ against the schemas of Kubernetes and Compose, and against each other."""

import re
import sys
from pathlib import Path

import kubernetes_validate
import yaml
from compose_spec import PyCompose

DEPLOY = Path("deploy")
# The last moment of a drain: TOOLGATE_DRAIN_TIMEOUT, streams, and a refresh under way (docs/operations.md).
MAX_DRAIN_SECONDS = 10 + 20

failures = []


def check(holds, what):
    if not holds:
        failures.append(what)


def kubernetes():
    folder = DEPLOY / "kubernetes"
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    check(files == set(kustomization["resources"]), f"kustomization.yaml does not list {files}")
    found = {}
    for name in sorted(files):
        for manifest in yaml.safe_load_all((folder / name).read_text()):
            try:
                kubernetes_validate.validate(manifest, "1.37", strict=True)
            except Exception as error:
                failures.append(f"{name}: {error}")
            found[manifest["kind"]] = manifest
    pod = found["Deployment"]["spec"]["template"]
    labels, spec = pod["metadata"]["labels"], pod["spec"]
    (container,) = spec["containers"]
    for selector in [
        found["Deployment"]["spec"]["selector"]["matchLabels"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        found["Service"]["spec"]["selector"],
        *(one["labelSelector"]["matchLabels"] for one in spec["topologySpreadConstraints"]),
    ]:
        check(selector.items() <= labels.items(), f"{selector} selects none of the pods")
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    variables = {one["name"]: one["value"] for one in container["env"]}
    for name, variable in [("http", "TOOLGATE_HTTP"), ("management", "TOOLGATE_MANAGEMENT")]:
        check(variables[variable].endswith(f":{ports[name]}"), f"{variable} is not the port {name}")
    for probe, path in [("startup", "/healthz"), ("liveness", "/healthz"), ("readiness", "/readyz")]:
        get = container[f"{probe}Probe"]["httpGet"]
        check(get == {"path": path, "port": "management"}, f"the {probe} probe is {get}")
    service = found["Service"]["spec"]["ports"]
    check([port["targetPort"] for port in service] == ["http"], "the service has another port than http")
    (mount,) = container["volumeMounts"]
    for variable, value in variables.items():
        secret = variable.endswith("_FILE")
        check(not secret or value.startswith(mount["mountPath"] + "/"), f"{variable} is not in the secret")
    drain = int(variables["TOOLGATE_DRAIN_DELAY"]) + MAX_DRAIN_SECONDS
    check(spec["terminationGracePeriodSeconds"] >= drain, f"a drain may take {drain} seconds")
    readiness = container["readinessProbe"]
    unready = readiness["periodSeconds"] * readiness["failureThreshold"]
    check(int(variables["TOOLGATE_DRAIN_DELAY"]) > unready, "the delay is shorter than the probes")


def compose():
    text = (DEPLOY / "compose" / "compose.yaml").read_text()
    values = {"DOMAIN": "tools.example", "ISSUER": "https://login.example"}
    variable = re.compile(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}")
    text = variable.sub(lambda found: values.get(found[1]) or found[2], text)
    document = yaml.safe_load(text)
    # Anchors are of YAML; the parser reads what they come to.
    parsed = PyCompose.from_yaml(yaml.safe_dump(document, sort_keys=False))
    parsed.validate()
    services = document["services"]
    for name in ["tools-1", "tools-2"]:
        service = services[name]
        check(service["read_only"] and service["cap_drop"] == ["ALL"], f"{name} may write")
        check(service["user"] == "65532:65532", f"{name} is another user")
        drain = int(service["environment"]["TOOLGATE_DRAIN_DELAY"]) + MAX_DRAIN_SECONDS
        check(int(service["stop_grace_period"].rstrip("s")) >= drain, f"a drain may take {drain} seconds")
        shared = set(service["networks"]) & set(services["proxy"]["networks"])
        check(shared == {"proxied"}, f"the proxy reaches {name} through {shared}")
    (subnet,) = document["networks"]["proxied"]["ipam"]["config"]
    trusted = services["tools-1"]["environment"]["TOOLGATE_TRUSTED_PROXIES"]
    check(trusted == subnet["subnet"], f"{trusted} is not the network of the proxy")
    caddy = (DEPLOY / "compose" / "Caddyfile").read_text()
    upstreams = re.findall(r"(tools-\d):8080", caddy)
    check(upstreams == ["tools-1", "tools-2"], f"the proxy has {upstreams}")


def images():
    """The image of a written project is that of deploy/, but for its volume."""

    def last_stage(path):
        text = path.read_text().split("FROM scratch\n")[1]
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return [line for line in lines if not line.startswith("VOLUME")]

    ours, scaffold = last_stage(DEPLOY / "Dockerfile"), last_stage(Path("cli/templates/Dockerfile"))
    check(ours == scaffold, f"the image of a project is another one: {set(ours) ^ set(scaffold)}")
    check("USER 65532:65532" in ours, "the image runs as root")


kubernetes()
compose()
images()
for failure in failures:
    print(failure)
sys.exit(bool(failures))
