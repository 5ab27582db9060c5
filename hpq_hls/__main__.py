"""``python -m hpq_hls``: the ``hpq`` command."""

from hpq_hls.cli import main

if __name__ == "__main__":
    main()
