/* What PHP asks of libsodium at each start to define constants. packaging/engine asks the same when the program is built. */
#ifndef PHPSAPI_AHEAD_H
#define PHPSAPI_AHEAD_H

#define AHEAD_NUMBERS(X) \
	X(int, sodium_library_version_major) \
	X(int, sodium_library_version_minor) \
	X(size_t, crypto_pwhash_memlimit_interactive) \
	X(size_t, crypto_pwhash_memlimit_moderate) \
	X(size_t, crypto_pwhash_memlimit_sensitive) \
	X(size_t, crypto_pwhash_opslimit_interactive) \
	X(size_t, crypto_pwhash_opslimit_moderate) \
	X(size_t, crypto_pwhash_opslimit_sensitive) \
	X(size_t, crypto_pwhash_scryptsalsa208sha256_memlimit_interactive) \
	X(size_t, crypto_pwhash_scryptsalsa208sha256_memlimit_sensitive) \
	X(size_t, crypto_pwhash_scryptsalsa208sha256_opslimit_interactive) \
	X(size_t, crypto_pwhash_scryptsalsa208sha256_opslimit_sensitive)

#endif
