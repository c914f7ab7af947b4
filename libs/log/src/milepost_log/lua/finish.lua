#!lua flags=allow-oom
-- End attempts, many in one call. The end is the acknowledgement.
-- KEYS[1] log
-- ARGV[1] prefix  [2] worker incarnation  [3..] the attempts, as `end_attempts` reads them
-- Answer: what `end_attempts` returns. Repeatable.
return end_attempts(ARGV[2], 3)
