// Secrets in ordinary memory: a state makes dozens of them, and locking their pages would take a seventh of
// its time. What is looked at here is on disk.
#include <sodium.h>

#include <cstdlib>

extern "C" {

void* sodium_malloc(std::size_t size) { return std::malloc(size); }
void sodium_free(void* secret) { std::free(secret); }

}  // extern "C"
