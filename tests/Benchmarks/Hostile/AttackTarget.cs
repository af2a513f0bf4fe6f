using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile;

/// <summary>The relay as an attacker sees it: where it is, how long there is time, and what was done so far.</summary>
/// <param name="relay">What is attacked.</param>
/// <param name="honest">Those who are on it.</param>
/// <param name="number">Of the attack: each has a network and names of its own.</param>
/// <param name="length">How long it may take.</param>
internal sealed class AttackTarget(RelayUnderLoad relay, HonestClients honest, int number, TimeSpan length) : IDisposable
{
    private long _begun = Stopwatch.GetTimestamp();
    private readonly ConcurrentDictionary<string, long> _counts = new();
    private readonly ConcurrentDictionary<string, int> _faults = new();
    private readonly ConcurrentBag<AttackSocket> _sockets = [];

    public RelayUnderLoad Relay => relay;

    public int Port => relay.Port;

    public HonestClients Honest => honest;

    public bool IsOver => Elapsed >= length || relay.HasExited;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_begun);

    /// <summary>What the attacker did.</summary>
    public string Summary => string.Join(", ", _counts.OrderBy(count => count.Key, StringComparer.Ordinal).Select(count => FormattableString.Invariant($"{count.Value:#,0} {count.Key}")));

    /// <summary>What the relay should not have done to, or for, the attacker.</summary>
    public IEnumerable<string> Faults => _faults.Select(fault => fault.Value == 1 ? fault.Key : $"{fault.Key} ({fault.Value} times)");

    /// <summary>The time begins.</summary>
    public void Begin() => _begun = Stopwatch.GetTimestamp();

    /// <summary>Who can be "one address" of an attacker: 1 to 250, all in one /24.</summary>
    public IPAddress Address(int host) => new([127, 66, (byte)number, (byte)host]);

    public void Count(string what, long by = 1) => _counts.AddOrUpdate(what, by, (_, count) => count + by);

    /// <summary>Notes a broken promise.</summary>
    public void Fault(string what) => _faults.AddOrUpdate(what, 1, (_, count) => count + 1);

    public long Counted(string what) => _counts.GetValueOrDefault(what);

    /// <summary>Connects; it stays open until the honest have looked for what is theirs.</summary>
    public AttackSocket? Connect(IPAddress from, int receiveBytes = 0, int? port = null)
    {
        var socket = AttackSocket.TryConnect(from, port ?? Port, receiveBytes);
        Count(socket is null ? "connections failed" : "connections");
        if (socket is not null)
        {
            _sockets.Add(socket);
        }

        return socket;
    }

    /// <summary>Connects and upgrades.</summary>
    public AttackSocket? Open(IPAddress from, int receiveBytes = 0, string path = "/")
    {
        if (Connect(from, receiveBytes) is not { } socket)
        {
            return null;
        }

        if (socket.TryUpgrade(path))
        {
            return socket;
        }

        Count("upgrades failed");
        socket.Dispose();
        return null;
    }

    /// <summary>Connects, upgrades and takes a code.</summary>
    public AttackSocket? Register(IPAddress from, string code, int receiveBytes = 0)
    {
        if (Open(from, receiveBytes) is { } socket)
        {
            socket.Queue($$"""{"type":"register","pairingCode":"{{code}}","publicKey":"{{HonestClient.Key}}"}""");
            socket.Pump();
            return socket;
        }

        return null;
    }

    /// <summary>So many clients with codes, from one address after another.</summary>
    public List<AttackSocket> RegisterMany(int count, int addresses, int receiveBytes = 0)
    {
        var sockets = new List<AttackSocket>();
        for (var i = 0; i < count && !IsOver; i++)
        {
            if (Register(Address(1 + (i % addresses)), Code(i), receiveBytes) is { } socket)
            {
                sockets.Add(socket);
            }
        }

        return sockets;
    }

    /// <summary>An attacker's pairing code.</summary>
    public string Code(int client) => string.Create(6, (number * 1000) + client, static (code, value) =>
    {
        const string Letters = "ABCDEFGHJKLMNPQRSTUV";
        code[0] = 'Z';
        for (var i = 1; i < code.Length; i++, value /= Letters.Length)
        {
            code[i] = Letters[value % Letters.Length];
        }
    });

    /// <summary>Sends what is queued on all of them and reads what comes, until all of it is sent or time is up.</summary>
    public void PumpAll(IReadOnlyList<AttackSocket> sockets, bool isReading = true)
    {
        do
        {
            foreach (var socket in sockets)
            {
                Count("bytes", socket.Pump());
                if (isReading)
                {
                    socket.Drain();
                }
            }

            Breathe();
        }
        while (!IsOver && sockets.Any(socket => !socket.IsClosed && !socket.IsSent));
    }

    /// <summary>Waits for a moment, so that an attack that has nothing to do does not take a processor.</summary>
    public static void Breathe() => Thread.Sleep(1);

    public void Dispose()
    {
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }
    }
}
