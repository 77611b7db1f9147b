"""``python -m clearline`` is ``clearline``."""

from clearline.cli.main import main

if __name__ == "__main__":
    main()
