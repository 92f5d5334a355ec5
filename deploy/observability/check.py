"""Holds alerts, dashboard, operations.md and the programs' metrics against each other: `check.py PROMTOOL`."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

here = pathlib.Path(__file__).parent
root = here.parent.parent
groups = yaml.safe_load((here / "alerts.yml").read_text())["groups"]
faults = []

if yaml.safe_load((here / "prometheus-rule.yaml").read_text())["spec"]["groups"] != groups:
    faults.append("prometheus-rule.yaml has other groups than alerts.yml")

rules = [rule for group in groups for rule in group["rules"]]
headings = re.findall(r"^### (\w+)$", (root / "docs/operations.md").read_text(), re.MULTILINE)
for rule in rules:
    name = rule["alert"]
    if name not in headings:
        faults.append(f"docs/operations.md does not say what to do about {name}")
    if rule["annotations"].get("runbook") != f"docs/operations.md#{name.lower()}":
        faults.append(f"{name} does not name its runbook")

dashboard = json.loads((here / "grafana/dashboards/oms.json").read_text())
queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
queries = [query.replace("$__rate_interval", "1m").replace("$__range", "1h") for query in queries]
recorded = [{"record": f"query:{index}", "expr": query} for index, query in enumerate(queries)]
with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
    yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}, file)
    file.flush()
    answer = subprocess.run([sys.argv[1], "check", "rules", file.name], capture_output=True, text=True)
    if answer.returncode != 0:
        faults.append(f"the dashboard has a query that is none: {answer.stdout}{answer.stderr}")

# Whatever is asked for is counted somewhere in the programs; the format adds the endings.
sources = "".join(path.read_text() for path in (root / "crates").rglob("src/**/*.rs"))
counted = set(re.findall(r'"((?:oms|process)_[a-z_]+)"', sources))
for name in sorted(set(re.findall(r"\b(?:oms|process)_[a-z_]+", " ".join(queries + [r["expr"] for r in rules])))):
    if name not in counted and re.sub(r"_(total|bucket|sum|count|info)$", "", name) not in counted:
        faults.append(f"nothing counts {name}")

for fault in faults:
    print(fault)
sys.exit(1 if faults else 0)
