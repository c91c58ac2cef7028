"""`python -m eyeflow` is the command line."""

from eyeflow.cli import main

if __name__ == "__main__":
    main()
