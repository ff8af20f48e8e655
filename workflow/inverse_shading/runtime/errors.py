"""The one kind of error that is meant for the person who runs the workflow."""


class InputError(Exception):
    """Something the user gave, or a file on the way, can't be used.

    The message is complete by itself: it names the file or key, says what was found, what was
    expected, and what to do. It is shown without a traceback.
    """
