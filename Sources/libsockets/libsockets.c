// The library's own object: what it holds is in the modules it depends on.
#include "libsockets.h"

__attribute__((used)) static const char libsockets_name[] = "libsockets";
