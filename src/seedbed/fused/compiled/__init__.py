"""Steps of a stack written in C and compiled, many in one call: to the same bits."""
