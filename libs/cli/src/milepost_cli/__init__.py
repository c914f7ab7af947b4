"""The command line and the embedded launcher; decides nothing about tasks."""
