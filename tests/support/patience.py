"""How many seconds a test waits for what is to come. Whoever gets it waits no longer; the disk of a machine that others
use, too, may stand still for a minute and more."""

PATIENCE = 600
