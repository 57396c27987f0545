"""Offline terminology: which codes a value set holds, as far as definitions at hand can tell."""
