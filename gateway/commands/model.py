"""`jiesu model list` and `jiesu model fetch NAME`: official Vosk models, by Vosk's own download."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from asr import download, models


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the official Chinese models, and what is here already")
    listing.set_defaults(main=_list)
    fetching = actions.add_parser("fetch", help="download an official model into Vosk's cache")
    fetching.add_argument("name", metavar="NAME", help="the model's name, such as vosk-model-small-cn-0.22")
    fetching.set_defaults(main=_fetch)


def _list(arguments: argparse.Namespace) -> int:
    listening = models.choose()
    print(f"listening by default: {listening.path}  {listening.description_zh}")
    for path in models.official_models(models.vosk_folders()):
        print(f"here:      {path}")
    for model in download.list_models():
        print(f"published: {model.name}  {model.size}")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(arguments.name, total=None)
        path = download.fetch(arguments.name, lambda done, total: progress.update(task, completed=done, total=total))
    print(path)
    return 0
