"""How the demo is told: a heading for each step, a line for what each system then holds."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel

from fhir_mh.cli.demo.providers import Provider, Providers

_STYLES = ("cyan", "green", "magenta")


class Telling:
    """Writes the story to the terminal as it happens."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._style: dict[str, str] = {}
        self._steps = 0

    def beginning(self, providers: Providers, steps: int) -> None:
        """Who takes part."""
        self._steps = steps
        self._style = {provider.name: _STYLES[n % len(_STYLES)] for n, provider in enumerate(providers)}
        lines = [self._line(provider) for provider in providers]
        self.console.print(Panel("\n".join(lines), title="Three providers, three databases", expand=False))

    def _line(self, provider: Provider) -> str:
        return f"[{self._style[provider.name]}]{provider.name:<22}[/] {provider.ods}  {provider.address}"

    def step(self, number: int, title: str) -> None:
        """A step begins."""
        self.console.print(f"\n[bold]{number}/{self._steps}  {escape(title)}[/]")

    def says(self, name: str, text: str) -> None:
        """What a system holds now."""
        self._under(f"[{self._style.get(name, 'white')}]{name}[/]: {escape(text)}")

    def held(self, seconds: float) -> None:
        """The step was seen to hold."""
        self._under(f"[green]seen to hold[/] [dim]({seconds:.1f} s)[/]")

    def failed(self, number: int, title: str, why: str) -> None:
        """The step was not seen to hold."""
        self._under(f"[bold red]step {number} did not hold[/] ({escape(title)}): {escape(why)}")

    def _under(self, text: str) -> None:
        """Lines under the heading of a step, every one of them indented."""
        self.console.print(Padding(text, (0, 0, 0, 5), expand=False))

    def ending(self, providers: Providers, nhs_number: str, *, running: bool) -> None:
        """What there is to try."""
        if not running:
            self.console.print("\n[bold green]Every step was seen to hold at the system it is about.[/]")
            return
        self.console.print(
            Panel("\n".join(self._to_try(providers, nhs_number)), title="Now try it yourself", expand=False)
        )

    def _to_try(self, providers: Providers, nhs_number: str) -> Iterable[str]:
        home = next(iter(providers))
        body = f'{{"nhs_number": "{nhs_number}"}}'
        yield from (self._line(provider) for provider in providers)
        yield ""
        yield "What every system holds for the person, in plain JSON:"
        yield f"  curl -s {home.address}/records/find -H 'Content-Type: application/json' -d '{body}'"
        yield "The same in FHIR, what can be asked, and every operation explained:"
        yield f"  {home.address}/fhir/metadata   {home.address}/docs"
        yield "Ctrl-C stops all three."
