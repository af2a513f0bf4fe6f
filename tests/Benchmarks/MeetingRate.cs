using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Relay.Configuration;
using Relay.Hosting;
using Relay.Storage;

namespace Relay.Benchmarks;

/// <summary>
/// How many register_rendezvous messages per second reach the disk? Each of N sockets registers ten points with letters of
/// 200 characters and two tokens, again and again, as fast as it is answered. The relay runs in this process.
/// </summary>
internal static class MeetingRate
{
    private const int Hashes = 20_000;

    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(10);

    public static async Task<int> MeasureAsync(int sockets)
    {
        var folder = Directory.CreateTempSubdirectory("relay-meet-").FullName;
        await using var app = await StartAsync(folder);
        try
        {
            var url = new Uri(Banner.HttpAddresses(app)[0].Replace("http", "ws", StringComparison.Ordinal));
            using var stop = new CancellationTokenSource();
            var answered = new long[sockets];
            var running = Enumerable.Range(0, sockets).Select(i => RegisterAsync(url, i, answered, stop.Token)).ToList();
            await Task.Delay(2000, CancellationToken.None);
            var database = app.Services.GetRequiredService<Database>();
            var (commits, before, watch) = (database.Counts.Commits, answered.Sum(), Stopwatch.StartNew());
            await Task.Delay(Measured, CancellationToken.None);
            var seconds = watch.Elapsed.TotalSeconds;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{sockets} sockets: {(answered.Sum() - before) / seconds:#,0} messages/s, {(database.Counts.Commits - commits) / seconds:#,0} transactions/s"));
            await stop.CancelAsync();
            await Task.WhenAll(running);
            await app.StopAsync(CancellationToken.None);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<WebApplication> StartAsync(string folder)
    {
        var settings = new RelaySettings();
        settings.Listen.Address = "127.0.0.1";
        settings.Listen.Port = 0;
        settings.Identity.KeyFile = Path.Combine(folder, "server.key");
        settings.Storage.File = Path.Combine(folder, "relay.db");
        settings.Admin.Socket = Path.Combine(folder, "admin.sock");
        settings.Admission.PerIp = 10_000;
        settings.Sessions.MessagesPerMinute = 1_000_000;
        settings.Sessions.BytesPerSecond = 1 << 30;
        settings.Log.Level = LogLevel.Warning;
        var app = RelayProgram.Build(settings);
        await app.StartAsync();
        return app;
    }

    private static async Task RegisterAsync(Uri url, int number, long[] answered, CancellationToken stop)
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(url, CancellationToken.None);
        var buffer = new byte[256 * 1024];
        const string Alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        var code = $"AAA{Alphabet[number / 1024 % 32]}{Alphabet[number / 32 % 32]}{Alphabet[number % 32]}";
        await SendAsync(socket, $$"""{"type":"register","pairingCode":"{{code}}","publicKey":"{{Convert.ToBase64String(new byte[32])}}"}""");
        await UntilAsync(socket, buffer, "\"registered\"");
        var random = new Random(number);
        var letter = new string('x', 200);
        while (!stop.IsCancellationRequested)
        {
            var points = Enumerable.Range(0, 10).Select(_ => $"\"point-{random.Next(Hashes)}\"").ToList();
            await SendAsync(
                socket,
                $$"""{"type":"register_rendezvous","relayId":"relay","dailyPoints":[{{string.Join(',', points)}}],"deadDrops":{{{string.Join(',', points.Distinct().Select(point => $"{point}:\"{letter}\""))}}},"hourlyTokens":["a{{random.Next(Hashes)}}","b{{random.Next(Hashes)}}"]}""");
            await UntilAsync(socket, buffer, "\"rendezvous_result\"");
            answered[number]++;
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    }

    private static Task SendAsync(ClientWebSocket socket, string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    private static async Task UntilAsync(ClientWebSocket socket, byte[] buffer, string type)
    {
        var what = Encoding.UTF8.GetBytes(type);
        ReadOnlyMemory<byte> message;
        do
        {
            var length = 0;
            ValueWebSocketReceiveResult result;
            do
            {
                result = await socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                length += result.Count;
            }
            while (!result.EndOfMessage);
            message = buffer.AsMemory(0, length);
        }
        while (message.Span[..Math.Min(40, message.Length)].IndexOf(what) < 0);
    }
}
