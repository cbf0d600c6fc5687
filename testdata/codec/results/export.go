package results

// The generated functions that append results, for the tests of the codecs.
var (
	AppendSummary        = appendSummaryResult
	AppendSummaryPointer = appendPointerToSummaryResult
	AppendList           = appendSliceOfPointerToAResult
	AppendString         = appendStringResult
	AppendAny            = appendAnyResult
	AppendStringer       = appendFmtStringerResult
)
