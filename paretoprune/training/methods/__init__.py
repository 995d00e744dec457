"""Methods: how one run trades the two objectives off."""
