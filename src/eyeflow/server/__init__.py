"""The server: requests in, answers out, nothing decided here that a room below can decide.

settings.py    what an operator sets            outside.py     services, networks, keys that settings name
assemble.py    a `Service` from settings        service.py     all parts of one process
bridges.py  compilers.py  practising.py  counting.py           how single parts are joined
table.py       THE table of routes              routes.py      a route as a row, and how one is found
door.py        one request from socket to answer               exchange.py    Request, Answer
problems.py    errors as RFC 9457               strictjson.py  bodies
auth.py  hosts.py  limits.py                    who asks, under which name, how much
streams.py     Server-Sent Events               beside.py      what computes for long
logs.py  metrics.py  traces.py                  openapi.py     the document, and its page
protocol.py    connections, guarded             listening.py  folder.py  sockets, the data folder
process.py     one process that serves          supervisor.py  several of them
launch.py      from settings to a server that runs             checkup.py     whether one could
dataplane.py   run, execute, webhooks, health: what has to be fast
resources/     everything else, a file for each resource
"""
