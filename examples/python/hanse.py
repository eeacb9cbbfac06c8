#!/usr/bin/env python3
"""A Hanse node from Python, on the standard library alone.

    from hanse import Hanse

    hanse = Hanse()                                  # HANSE_URL and HANSE_TOKEN, or as arguments
    notes = hanse.space("lab")
    notes.put("notes/today", "buy milk")             # a value
    notes.edit("people/ada", {"name": "Ada"})        # fields of a map
    print(notes.get("notes/today")["value"])
    for row in notes.sql("SELECT path, value FROM items WHERE path LIKE ?", "notes/%"):
        print(row)
    for change in notes.follow():                    # goes on for ever, and again after a lost connection
        print(change["path"])

On the command line: python3 hanse.py SPACE put PATH VALUE | get PATH | list | follow
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


class HanseError(Exception):
    """What a node says of a request that it did not do: `code` is stable, the text says what to do."""

    def __init__(self, problem):
        super().__init__("%(code)s: %(detail)s" % problem)
        self.code = problem["code"]
        self.status = problem["status"]


class Hanse:
    """A node, as the agent whose token it is."""

    def __init__(self, url=None, token=None, timeout=30):
        self.url = (url or os.environ.get("HANSE_URL") or "http://127.0.0.1:7420").rstrip("/")
        self.token = token or os.environ["HANSE_TOKEN"]
        self.timeout = timeout

    def open(self, method, path, body=None, headers=None, query=None, timeout=None):
        """The answer as it comes: a file to read from. `body`: bytes, a file, or whatever JSON has."""
        sent = {"Authorization": "Bearer " + self.token, **(headers or {})}
        if body is not None and not isinstance(body, bytes) and not hasattr(body, "read"):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        given = {key: value for key, value in (query or {}).items() if value is not None}
        address = self.url + path + ("?" + urllib.parse.urlencode(given) if given else "")
        request = urllib.request.Request(address, data=body, headers=sent, method=method)
        try:
            return urllib.request.urlopen(request, timeout=timeout or self.timeout)
        except urllib.error.HTTPError as error:
            if "problem+json" not in error.headers.get("Content-Type", ""):
                raise
            raise HanseError(json.load(error)) from None

    def ask(self, method, path, body=None, **more):
        """The answer as JSON has it; None where there is none."""
        with self.open(method, path, body, **more) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def who_am_i(self):
        return self.ask("GET", "/v1/whoami")

    def spaces(self):
        return self.ask("GET", "/v1/spaces")["spaces"]

    def space(self, name):
        return Space(self, name)


class Space:
    """A space, by its name or id."""

    def __init__(self, hanse, name):
        self.hanse = hanse
        self.at = "/v1/spaces/" + urllib.parse.quote(name, safe="")

    def ask(self, method, path, body=None, **more):
        return self.hanse.ask(method, self.at + path, body, **more)

    def get(self, path):
        """{'path', 'type', 'value', …}, or None where there is nothing."""
        try:
            return self.ask("GET", "/items/" + urllib.parse.quote(path))
        except HanseError as error:
            if error.code == "NOT_FOUND":
                return None
            raise

    def write(self, *edits):
        """Several edits as one signed operation."""
        return self.ask("POST", "/operations", {"edits": list(edits)})

    def put(self, path, value):
        return self.write({"kind": "put", "path": path, "value": value})

    def edit(self, path, fields, remove=()):
        return self.write({"kind": "edit", "path": path, "set": fields, "remove": list(remove)})

    def append(self, path, value):
        return self.write({"kind": "append", "path": path, "value": value})

    def list(self, path=""):
        """Every item at or below a path, page by page."""
        after = None
        while True:
            page = self.ask("GET", "/items", query={"path": path, "after": after})
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def sql(self, query, *parameters):
        return self.ask("POST", "/sql", {"query": query, "parameters": list(parameters)})["rows"]

    def search(self, words, path=""):
        return self.ask("GET", "/search", query={"q": words, "path": path})["hits"]

    def put_blob(self, path, content, media_type="application/octet-stream", name=None):
        """`content`: bytes, or a file, which is sent as it is read."""
        headers = {"Content-Type": media_type}
        address = "/blobs/" + urllib.parse.quote(path)
        return self.ask("PUT", address, content, headers=headers, query={"name": name})

    def get_blob(self, path, first=None, last=None):
        """The content, or the bytes from `first` to `last`."""
        headers = {} if first is None else {"Range": "bytes=%d-%s" % (first, "" if last is None else last)}
        with self.hanse.open("GET", self.at + "/blobs/" + urllib.parse.quote(path), headers=headers) as answer:
            return answer.read()

    def follow(self, cursor=None, path=None, pause=1.0):
        """What changes from now on, or since a cursor; comes back by itself where the connection is lost."""
        while True:
            headers = {"Accept": "text/event-stream"}
            if cursor is not None:
                headers["Last-Event-ID"] = cursor
            try:
                # The node says that it is there every 15 s.
                with self.hanse.open("GET", self.at + "/events", headers=headers, query={"path": path}, timeout=45) as stream:
                    for event, last_id, data in events(stream):
                        cursor = last_id or cursor
                        if event == "change":
                            yield data
            except HanseError:
                raise
            except OSError:
                time.sleep(pause)


def events(stream):
    """Server-sent events, one after the other: (event, id, data)."""
    event, last_id, data = "message", None, []
    for raw in stream:
        line = raw.decode().rstrip("\r\n")
        if line == "":
            if data:
                yield event, last_id, json.loads("\n".join(data))
            event, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "event":
            event = value
        elif field == "id":
            last_id = value
        elif field == "data":
            data.append(value)


def main(arguments):
    if len(arguments) < 2:
        print(__doc__)
        return 2
    space = Hanse().space(arguments[0])
    command, rest = arguments[1], arguments[2:]
    try:
        if command == "put" and len(rest) == 2:
            print(space.put(*rest)["operation"])
        elif command == "get" and len(rest) == 1:
            item = space.get(rest[0])
            print("nothing" if item is None else json.dumps(item["value"], ensure_ascii=False))
        elif command == "list":
            for item in space.list(*rest[:1]):
                print(item["path"])
        elif command == "follow":
            for change in space.follow(path=rest[0] if rest else None):
                print(json.dumps(change), flush=True)
        else:
            print(__doc__)
            return 2
    except HanseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
