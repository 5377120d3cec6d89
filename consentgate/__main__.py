"""``python -m consentgate`` is the program ``consentgate``."""

from consentgate.cli.main import main

if __name__ == "__main__":
    main()
