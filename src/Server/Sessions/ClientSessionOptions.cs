using System.ComponentModel.DataAnnotations;
using Relay.Configuration;

namespace Relay.Sessions;

/// <summary>One client socket: sizes, rates and deadlines.</summary>
internal sealed class ClientSessionOptions : IValidatableObject
{
    /// <summary>Largest message in bytes; a larger one ends the session with 1009.</summary>
    [Range(1024, 16 * 1024 * 1024)]
    public int MaxMessageBytes { get; set; } = 262_144;

    /// <summary>Messages that a client asked for and that may wait for it before it is closed.</summary>
    [Range(1, 100_000)]
    public int QueueMessages { get; set; } = 256;

    /// <summary>Bytes that a client asked for and that may wait for it before it is closed.</summary>
    [Range(1024, 1 << 30)]
    public int QueueBytes { get; set; } = 1024 * 1024;

    /// <summary>What other clients send to one that reads slowly may take one part in so many of its queue, beside what it asked for.</summary>
    [Range(1, 1000)]
    public int UnaskedDivisor { get; set; } = 2;

    /// <summary>What one address sends to a client that reads slowly may take one part in so many of its queue; one message always may.</summary>
    [Range(1, 1000)]
    public int SenderDivisor { get; set; } = 8;

    /// <summary>Time between two WebSocket pings to a socket. Below the 60 s after which many NATs forget a mapping.</summary>
    [DurationRange("1s", "1h")]
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A socket from which nothing came for so long, pongs included, is dead. Two pings and a half.</summary>
    [DurationRange("1s", "1d")]
    public TimeSpan SilenceTimeout { get; set; } = TimeSpan.FromSeconds(75);

    /// <summary>An unregistered socket is closed after this time; 0: never.</summary>
    [DurationRange("0", "1d")]
    public TimeSpan RegistrationTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Time from the first to the last byte of one message.</summary>
    internal TimeSpan MessageTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest time that one write may wait for the peer to read, while something waits that the peer asked for.</summary>
    [DurationRange("1s", "10m")]
    public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Messages a socket may send per minute, as a token bucket of this size.</summary>
    [Range(1, 1_000_000)]
    public int MessagesPerMinute { get; set; } = 100;

    /// <summary>Messages refused by that limit within a minute after which the socket is closed. Each is remembered, in 8 bytes.</summary>
    internal int RefusedMessagesPerMinute { get; set; } = 200;

    /// <summary>Bytes a socket may send per second; above it the relay stops reading it for a while.</summary>
    [Range(1024, 1 << 30)]
    public int BytesPerSecond { get; set; } = 1024 * 1024;

    /// <summary>Bytes a socket may send at once before that rate holds.</summary>
    [Range(1024, 1 << 30)]
    public int BytesBurst { get; set; } = 4 * 1024 * 1024;

    /// <summary>Time in which as many bytes as <see cref="BytesBurst"/> may come at that rate.</summary>
    internal TimeSpan BytesRefill => TimeSpan.FromSeconds(BytesBurst / (double)BytesPerSecond);

    /// <summary>Sockets closed per second when limits were lowered and those above them are to go.</summary>
    [Live]
    [Range(1, 100_000)]
    public int EvictionsPerSecond { get; set; } = 200;

    /// <summary>Time that a first SIGTERM or SIGINT takes to empty the relay at a bounded pace before it stops; 0: all sockets are closed at once.</summary>
    [Live]
    [DurationRange("0", "1d")]
    public TimeSpan StopDrain { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (SilenceTimeout <= PingInterval)
        {
            yield return new ValidationResult(
                "must be longer than Sessions:PingInterval, or live sockets would be closed before they could answer a ping",
                [nameof(SilenceTimeout)]);
        }
    }
}
