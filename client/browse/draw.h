// Draws what is seen while browsing.
#pragma once

#include "browse/screen.h"
#include "browse/state.h"

namespace garner::client::browse {

// Fits the cursors to the screen.
void draw(Screen& screen, State& state);

}  // namespace garner::client::browse
