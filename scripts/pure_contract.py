"""An import-linter contract: packages whose modules are pure, except the shells that are named.

A module added to such a package is held to the rule from its first day, because the exceptions are listed and the
rule is not.
"""

from __future__ import annotations

from typing import Any

from grimp import ImportGraph
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.domain import fields
from importlinter.domain.contract import ContractCheck
from importlinter.domain.imports import ModuleExpression


class PureContract(ForbiddenContract):
    """No module of ``packages`` may reach ``forbidden_modules``, directly or through others, but the ``shells`` may."""

    type_name = "pure"

    source_modules: Any = fields.SetField(subfield=fields.ModuleExpressionField(), required=False)
    packages: Any = fields.SetField(subfield=fields.StringField())
    shells: Any = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Say which import chains lead out of the pure modules that *graph* holds now."""
        packages = {str(package) for package in self.packages}
        shells = {str(shell) for shell in self.shells or ()}
        members = packages.union(*(graph.find_descendants(package) for package in packages))
        self.source_modules = {
            ModuleExpression(module) for module in members - shells if not graph.find_children(module)
        }
        return super().check(graph, verbose)
