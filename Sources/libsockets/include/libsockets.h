/// The shared library: all of CBerkeley and Berkeley, with the Swift runtime inside.
#include "../../CBerkeley/include/sockets.h"
