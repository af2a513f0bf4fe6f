using Microsoft.Extensions.Primitives;

namespace Relay.Addresses;

/// <summary>The lines of a request header by its name, in any case; none when it is absent.</summary>
internal delegate StringValues HeaderLookup(string name);
