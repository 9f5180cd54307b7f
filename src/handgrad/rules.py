"""A rule: a name, plain formulas, and parameters that are data. And the registries in which rules have names.

Names are sugar for records: wherever a rule is expected, `"leaky_relu"`, `"leaky_relu(slope=0.2)"` and the record
itself all work. A record prints as the text that brings it back.
"""

import ast
import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar

from handgrad.arrays import require_number

Bounds = Mapping[str, Mapping[str, float]]
_LONGEST_SHOWN = 200  # characters of what was given, in a message


class Rule:
    """A named record with parameters: call it to get the same rule with other parameters.

    >>> from handgrad.activations import leaky_relu
    >>> leaky_relu(slope=0.2)
    leaky_relu(slope=0.2)

    `bounds` gives a parameter its range, in the words of `require_number`: `{"delta": {"above": 0}}`. `doc` is what
    `help` says of the record.
    """

    registry: "ClassVar[Registry[Any] | None]" = None  # where records of this class have names, if anywhere

    def __init__(
        self,
        name: str,
        formulas: Mapping[str, Callable[..., Any]],
        parameters: Mapping[str, float],
        bounds: Bounds | None = None,
        doc: str | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"name is {name!r}; expected a word such as 'my_rule'")
        for call, formula in formulas.items():
            require_formula(name, call, formula, parameters)
        self.name = name
        self.bounds = dict(bounds or {})
        for key in self.bounds:
            if key not in parameters:
                raise unknown(f"parameter of {name}", key, parameters)
        self.parameters = {key: self._number(key, value) for key, value in parameters.items()}
        if doc is not None:
            self.__doc__ = doc

    def __call__(self, *positional: float, **named: float) -> Self:
        """The same rule with other parameters, given in order or by name."""
        given = by_name("parameter", self.name, list(self.parameters), positional, named)
        return self._with(self.parameters | {key: self._number(key, value) for key, value in given.items()})

    def _number(self, key: str, value: object) -> float:
        return require_number(f"{self.name}: parameter {key}", value, **self.bounds.get(key, {}))

    def _with(self, parameters: dict[str, float]) -> Self:
        variant = object.__new__(type(self))
        variant.__dict__.update(self.__dict__, parameters=parameters)
        return variant

    def __repr__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self.parameters.items())
        return f"{self.name}({inside})" if inside else self.name

    def __reduce__(self) -> Any:
        """A registered rule is pickled as its text; a rule of your own as it is, so its functions need a `def`."""
        registered = self.registry.rules.get(self.name) if self.registry else None
        if registered is not None and registered._with(self.parameters) == self:
            return type(self).from_text, (repr(self),)
        return super().__reduce__()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The registered rule that prints as this text."""
        assert cls.registry is not None
        return cls.registry.find(text)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((self.name, tuple(self.parameters.items())))


RuleType = TypeVar("RuleType", bound=Rule)


class Registry(Generic[RuleType]):
    """Rules by name, with aliases for the names that the field also uses.

    >>> from handgrad.activations import activations
    >>> activations.find("leaky_relu(0.2)")
    leaky_relu(slope=0.2)
    >>> activations.find("rleu")
    Traceback (most recent call last):
        ...
    ValueError: unknown activation 'rleu'; did you mean 'relu'? Known: ...
    """

    def __init__(
        self, kind: str, record: type[RuleType], rules: Iterable[RuleType], aliases: Mapping[str, str] | None = None
    ) -> None:
        self.kind = kind
        self.record = record
        self.rules = {rule.name: rule for rule in rules}
        self.aliases = dict(aliases or {})
        if "registry" not in vars(record):
            record.registry = self

    def find(self, rule: "str | RuleType") -> RuleType:
        """The record for a name, a name with parameters, or the record itself."""
        if isinstance(rule, str):
            name, positional, named = parse(rule)
            if name not in self.rules and name not in self.aliases:
                raise unknown(self.kind, name, [*self.rules, *self.aliases])
            found = self.rules[name] if name in self.rules else self.find(self.aliases[name])
            return found(*positional, **named) if positional or named else found  # type: ignore[return-value]
        if not isinstance(rule, self.record):
            names = f"a name such as {next(iter(self.rules))!r}"
            raise TypeError(f"{self.kind} is {rule!r}; expected {names} or a {self.record.__name__} record")
        return rule

    def __iter__(self) -> Iterator[RuleType]:
        return iter(self.rules.values())


def parse(text: str) -> tuple[str, list[float], dict[str, float]]:
    """Split `"name(1, key=2)"` into its name, positional and named parameters, all of them numbers.

    >>> parse("normal(std=0.01)")
    ('normal', [], {'std': 0.01})
    >>> parse("normal(std=small)")
    Traceback (most recent call last):
        ...
    ValueError: 'normal(std=small)' cannot be read; expected a name, or a name with numbers: name(0.1, key=0.2)
    """
    text = text.strip()
    if "(" not in text:
        return text, [], {}
    try:
        tree = ast.parse(text, mode="eval").body
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
            positional = [_literal(argument) for argument in tree.args]
            named = {str(keyword.arg): _literal(keyword.value) for keyword in tree.keywords}
            return tree.func.id, positional, named
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        pass  # what it is not is said below, in one place
    raise ValueError(f"{shortened(text)!r} cannot be read; expected a name, or a name with numbers: name(0.1, key=0.2)")


def by_name(
    noun: str, owner: str, known: Sequence[str], positional: Sequence[Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    """What was given in order and by name, all by name; refused if it is too much, unknown, or given twice.

    >>> by_name("setting", "sgd", ["learning_rate", "momentum"], [0.1], {"momentum": 0.9})
    {'learning_rate': 0.1, 'momentum': 0.9}
    """
    if len(positional) > len(known):
        takes = ", ".join(known) or f"no {noun}s"
        raise TypeError(f"{owner} got {len(positional)} {noun}s; it takes {takes}")
    given = dict(zip(known, positional, strict=False))
    for key in named:
        if key not in known:
            raise unknown(f"{noun} of {owner}", key, known)
        if key in given:
            raise TypeError(f"{owner} got its {noun} {key} twice, in order and by name")
    return given | dict(named)


def unknown(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """The error for a name that nobody knows, with the nearest known one.

    >>> raise unknown("optimizer", "adm", ["adam", "sgd"])
    Traceback (most recent call last):
        ...
    ValueError: unknown optimizer 'adm'; did you mean 'adam'? Known: adam, sgd
    """
    names = [str(each) for each in known]
    lower = {each.lower(): each for each in names}  # W and w are nearer than W and b
    shown = shortened(str(name))
    near = difflib.get_close_matches(shown.lower(), lower, n=1, cutoff=0.5)
    hint = f"did you mean {lower[near[0]]!r}? " if near else ""
    return ValueError(f"unknown {kind} {shown!r}; {hint}Known: {', '.join(names) or 'none'}")


def shortened(text: str) -> str:
    """A text for a message: what is very long is cut.

    >>> len(shortened("a" * 1_000_000))
    201
    """
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def require_formula(rule: str, call: str, formula: object, parameters: Mapping[str, float]) -> None:
    """Refuse what cannot be called as `call` says, "df(z, a)", together with the rule's parameters by name."""
    role, arguments = call.removesuffix(")").split("(")
    expected = f"{role}({', '.join([arguments, *parameters])})"
    if not callable(formula):
        raise TypeError(f"{rule}: {role} is {formula!r}; expected a function {expected}")
    try:
        takes = inspect.signature(formula)
    except ValueError:  # a NumPy ufunc tells no signature
        return
    try:
        takes.bind(*arguments.split(", "), **parameters)
    except TypeError as wrong:
        raise TypeError(f"{rule}: {role} is defined as {role}{takes}; expected {expected} ({wrong})") from wrong


def _literal(written: ast.expr) -> float:
    value = ast.literal_eval(written)
    if not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    return value  # as written: 10 stays whole, True stays true
