"""Stores of conversations that others offer as libraries, each a program that times its own calls."""
