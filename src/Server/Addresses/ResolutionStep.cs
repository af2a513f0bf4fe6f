
namespace Relay.Addresses;

/// <summary>One step of the way to a client's address, for people: where it was looked, what was there, what follows.</summary>
internal sealed record ResolutionStep(string Where, string Found, string Verdict);
