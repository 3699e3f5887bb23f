package fastcgi

// Limits bound what one connection can make the server do. A field that is
// zero takes its default. What is over a limit is an ErrTooLarge.
type Limits struct {
	// MaxParamBytes bounds the PARAMS stream of one request in wire bytes.
	// Default 1 MiB; stock PHP has no limit.
	MaxParamBytes int
	// MaxParams bounds the number of params of one request, FCGI_ROLE
	// included. Default 4096; stock PHP has no limit.
	MaxParams int
	// MaxDrain bounds the unread STDIN and DATA bytes that Drain reads away;
	// with more, a new connection is cheaper than this one. Default 256 KiB.
	MaxDrain int
	// MaxStray bounds the bytes, headers included, between two requests' BEGIN
	// records that belong to neither: management records, and those of
	// requests that were refused. Default 128 KiB.
	MaxStray int
}

// The defaults of MaxParamBytes and MaxParams, for a client that asks no more of a server.
const (
	DefaultMaxParamBytes = 1 << 20
	DefaultMaxParams     = 4096
)

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.MaxParamBytes, DefaultMaxParamBytes)
	def(&l.MaxParams, DefaultMaxParams)
	def(&l.MaxDrain, 256<<10)
	def(&l.MaxStray, 128<<10)
	l.MaxParamBytes = min(l.MaxParamBytes, maxParamBytes)
	return l
}

// maxParamBytes bounds MaxParamBytes: a Pair's offsets are 32 bits.
const maxParamBytes = 1 << 30

// maxValuesBytes bounds the content of one GET_VALUES record. §4.1 knows three
// names of 15 bytes; there is room for later ones.
const maxValuesBytes = 4096
