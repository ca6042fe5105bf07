"""The part of KQL that dashboards use: what Kibana makes of it for an engine, and what it means for a document.

    not, and, or, parentheses; field:value, field:"a phrase", field:(a or b), field:*; field < 5 and its like
"""
import re

TOKEN = re.compile(r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<sign><=|>=|[():<>])|(?P<word>[^\s():<>"]+))')


class Reader:
    def __init__(self, text):
        self.tokens, at = [], 0
        text = text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise ValueError(f"not understood: {text[at:]}")
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()

    def next(self, *wanted):
        """The next token, if it is one of these; None otherwise."""
        if self.tokens and (not wanted or self.tokens[0][1].lower() in wanted):
            return self.tokens.pop(0)
        return None

    def any_of(self, one):
        terms = [self.all_of(one)]
        while self.next("or"):
            terms.append(self.all_of(one))
        return terms[0] if len(terms) == 1 else ("or", terms)

    def all_of(self, one):
        terms = [self.negated(one)]
        while self.next("and"):
            terms.append(self.negated(one))
        return terms[0] if len(terms) == 1 else ("and", terms)

    def negated(self, one):
        if self.next("not"):
            return ("not", self.negated(one))
        if self.next("("):
            inner = self.any_of(one)
            if not self.next(")"):
                raise ValueError("a parenthesis is not closed")
            return inner
        return one()

    def clause(self):
        field = self.next()
        if field is None or field[0] != "word":
            raise ValueError(f"expected a field, got {field}")
        sign = self.next(":", "<", ">", "<=", ">=")
        if sign is None:
            raise ValueError(f"expected a field and a value: {field[1]}")
        if sign[1] != ":":
            return ("range", field[1], sign[1], float(self.next()[1]))
        return self.negated(lambda: self.value(field[1]))

    def value(self, field):
        kind, text = self.next()
        if kind == "text":
            return ("phrase", field, re.sub(r"\\(.)", r"\1", text[1:-1]))
        if text == "*":
            return ("exists", field)
        if "*" in text:
            raise ValueError(f"no wildcards within values: {text}")
        return ("match", field, text)


def parse(text):
    """None of nothing."""
    if not text.strip():
        return None
    reader = Reader(text)
    tree = reader.any_of(reader.clause)
    if reader.tokens:
        raise ValueError(f"not understood: {reader.tokens}")
    return tree


SIGNS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def request(tree):
    """What Kibana asks an engine."""
    if tree is None:
        return {"match_all": {}}
    if tree[0] == "or":
        return {"bool": {"should": [request(t) for t in tree[1]], "minimum_should_match": 1}}
    if tree[0] == "and":
        return {"bool": {"filter": [request(t) for t in tree[1]]}}
    if tree[0] == "not":
        return {"bool": {"must_not": request(tree[1])}}
    leaf = {"range": lambda: {"range": {tree[1]: {SIGNS[tree[2]]: tree[3]}}},
            "exists": lambda: {"exists": {"field": tree[1]}},
            "phrase": lambda: {"match_phrase": {tree[1]: tree[2]}},
            "match": lambda: {"match": {tree[1]: tree[2]}}}[tree[0]]()
    return {"bool": {"should": [leaf], "minimum_should_match": 1}}


def said(value):
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def holds(tree, values):
    """Whether it is so of a document; `values` gives a field's values, words in full."""
    if tree is None:
        return True
    if tree[0] in ("or", "and"):
        return (any if tree[0] == "or" else all)(holds(t, values) for t in tree[1])
    if tree[0] == "not":
        return not holds(tree[1], values)
    have = values(tree[1])
    if tree[0] == "exists":
        return bool(have)
    if tree[0] == "range":
        compare = {"<": float.__lt__, "<=": float.__le__, ">": float.__gt__, ">=": float.__ge__}[tree[2]]
        return any(compare(float(value), tree[3]) for value in have)
    return tree[2] in map(said, have)


def fields(tree):
    if tree is None:
        return set()
    if tree[0] in ("or", "and"):
        return set().union(*map(fields, tree[1]))
    return fields(tree[1]) if tree[0] == "not" else {tree[1]}
