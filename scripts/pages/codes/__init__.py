"""The pages of the stable codes: what each means, an example that was run, and how to mend it."""
