"""One module for each kind of thing the API shows. Each is thin: it reads the request, asks a room below, and
shapes the answer. None checks a role (the door does, and the room below again) or touches the wire."""
