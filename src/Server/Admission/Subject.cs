using Relay.Addresses;

namespace Relay.Admission;

/// <summary>A person, or a program, that clients authenticate as.</summary>
/// <param name="Name">As the token or the hook names it, as <see cref="SubjectName"/> has it.</param>
/// <param name="Limit">Connections at most, wherever they come from; 0: no limit.</param>
/// <param name="IsUnlimited">Counted by name instead of by address: an office behind one address is many people.</param>
internal sealed record Subject(string Name, int Limit = 0, bool IsUnlimited = false)
{
    public IpKey Key { get; } = IpKey.FromSubject(Name);
}

/// <summary>What authentication has found out of a client. The default: nobody was asked.</summary>
/// <param name="Refusal">None: the client may come in, if there is a slot.</param>
/// <param name="Subject">Null: it has no name.</param>
internal readonly record struct Credential(Refusal Refusal, Subject? Subject = null)
{
    public static readonly Credential Unauthorized = new(Refusal.Unauthorized);

    public static readonly Credential Unavailable = new(Refusal.AuthUnavailable);
}
