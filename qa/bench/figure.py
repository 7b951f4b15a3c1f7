"""What a benchmark measured, and the folder that it works in."""

import shutil
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent.parent / "build/bench"


def figure(name, value, unit, goal=None, better="lower", against=""):
    met = None if goal is None else (value <= goal if better == "lower" else value >= goal)
    return {"figure": name, "value": round(value, 3), "unit": unit, "goal": goal, "better": better, "met": met, "against": against}


def work(name):
    folder = OUT / f"{name}.work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
