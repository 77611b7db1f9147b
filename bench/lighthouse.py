"""Lighthouse's audits of the queue and of a ticket, signed in, as on a desktop and as on a phone.

python bench/lighthouse.py [--runs 3] [--keep FOLDER]

Fails when a median is below its target. Needs Chromium and Node 18.20; the npm packages (190 MB) are installed into
lighthouse/node_modules by their lock. With --keep the reports of the last run stay in a folder, as HTML.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from dataset import fill
from pages import prepare
from rig import HERE, clearline, database
from stream import agent_cookies

TARGETS = {"performance": 95, "accessibility": 100}
FORMS: dict[str, list[str]] = {"desktop": ["--preset=desktop"], "mobile": []}
ATTEMPTS = 3
"""Lighthouse now and then misses the start of a page (NO_NAVSTART), which says nothing about the page."""
FOLDER = HERE / "lighthouse"
TICKETS, VIEWS, MESSAGES = 2_000, 20, 40
CHROMIUM = "--headless=new --no-sandbox --disable-gpu"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("Chromium is needed: make chromium")
    sys.path.insert(0, str(HERE.parent / "frontend"))
    node, environment = import_module("node").install(FOLDER, "Lighthouse")
    environment |= {"CHROME_PATH": chromium}
    with database(needs_wrk=False) as postgres, tempfile.TemporaryDirectory() as folder:
        asyncio.run(fill(postgres.url, TICKETS))
        [cookie] = asyncio.run(agent_cookies(postgres.url, 1))
        number = asyncio.run(prepare(postgres.url, VIEWS, MESSAGES))
        headers = Path(folder, "headers.json")
        headers.write_text(json.dumps({"Cookie": cookie}))
        lighthouse = [node, str(FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js")]
        paths = {"queue": "/console/open", "ticket": f"/console/tickets/{number}?list=open"}
        results: dict[tuple[str, str], list[dict[str, Any]]] = {}
        with clearline(postgres.url, 1) as server:
            for _run, (name, form) in product(range(options.runs), product(paths, FORMS)):
                report = Path(folder, f"{name}-{form}")
                audit = [*lighthouse, f"http://127.0.0.1:{server.port}{paths[name]}", *FORMS[form],
                         f"--extra-headers={headers}", f"--output-path={report}",
                         f"--chrome-flags={CHROMIUM}"]  # fmt: skip
                results.setdefault((name, form), []).append(_audit(audit, report, environment))
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            for report in Path(folder).glob("*.html"):
                shutil.copy(report, options.keep)
    if not show(results):
        sys.exit(1)


def _audit(command: list[str], report: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run Lighthouse once; return its report."""
    options = [
        "--output=json", "--output=html", "--quiet", "--no-enable-error-reporting",
        "--only-categories=performance,accessibility",
    ]  # fmt: skip
    for _attempt in range(ATTEMPTS):
        subprocess.run([*command, *options], env={**os.environ, **environment}, check=False)
        result: dict[str, Any] = json.loads(Path(f"{report}.report.json").read_text())
        if not (error := result.get("runtimeError")):
            break
        print(f"{report.name}: {error['message']}", file=sys.stderr)
    else:
        sys.exit(f"{report.name}: no audit in {ATTEMPTS} attempts")
    if "/sign-in" in result["finalDisplayedUrl"]:
        sys.exit(f"{report.name}: the session was not accepted")
    return result


def show(results: dict[tuple[str, str], list[dict[str, Any]]]) -> bool:
    """Print the medians and what lowers them; return whether all reach their targets."""
    is_met = True
    print("| page | performance | accessibility | first and largest paint, ms | blocked, ms | layout shift |")
    print("|---|---|---|---|---|---|")
    for (name, form), reports in results.items():
        scores = {
            category: round(median(report["categories"][category]["score"] * 100 for report in reports))
            for category in TARGETS
        }
        is_met = is_met and all(scores[category] >= least for category, least in TARGETS.items())
        first, largest, blocked, shift = (
            median(report["audits"][audit]["numericValue"] for report in reports)
            for audit in ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time",
                          "cumulative-layout-shift")
        )  # fmt: skip
        print(
            f"| {name}, {form} | {scores['performance']} | {scores['accessibility']} | {first:.0f}, {largest:.0f} "
            f"| {blocked:.0f} | {shift:.3f} |"
        )
    for (name, form), reports in results.items():
        for category in TARGETS:
            references = reports[-1]["categories"][category]["auditRefs"]
            audits = [reports[-1]["audits"][entry["id"]] for entry in references if entry["weight"]]
            for audit in audits:
                if audit["score"] is not None and audit["score"] < 0.9:
                    print(f"{name}, {form}: {audit['title']}: {audit.get('displayValue', '')}")
    return is_met


if __name__ == "__main__":
    main()
