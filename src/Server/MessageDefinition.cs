using Relay.Clients;
using Relay.Protocol;

namespace Relay;

/// <summary>One type of client message: what it is called, what is checked before it is handled, and who handles it.</summary>
internal sealed class MessageDefinition(string name, Func<ReceivedMessage, ValueTask> handle, params MessageField[] fields)
{
    public MessageDefinition(string name, Action<ReceivedMessage> handle, params MessageField[] fields)
        : this(
            name,
            message =>
            {
                handle(message);
                return ValueTask.CompletedTask;
            },
            fields)
    {
    }

    /// <summary>The name on the wire, and the label of the messages metric.</summary>
    public string Name => name;

    /// <summary>Checked in this order; the first that fails is the error.</summary>
    public IReadOnlyList<MessageField> Fields => fields;

    /// <summary>The key that selects this meaning of a name; null: the meaning without one.</summary>
    public string? Key { get; init; }

    /// <summary>False: the message may carry a peerId that is not the socket's own.</summary>
    public bool ChecksPeerId { get; init; } = true;

    /// <summary>True: where attestation is on, only attested clients may send it.</summary>
    public bool NeedsAttestation { get; init; }

    public ValueTask HandleAsync(ReceivedMessage message) => handle(message);

    /// <summary>The error's text, or null when every field is of its kind.</summary>
    public string? CheckFields(in ClientMessage message)
    {
        foreach (var (field, kind) in fields)
        {
            if (!kind.Accepts(message.Value(field)))
            {
                return $"{name}: {field} must be {kind.Article}";
            }
        }

        return null;
    }
}

/// <summary>A message on its way to its handler. It was received at a timestamp of the clock.</summary>
internal readonly record struct ReceivedMessage(
    ClientHandlers Handlers, Client Client, MessageDefinition Definition, ClientMessage Message, long ReceivedAt);
