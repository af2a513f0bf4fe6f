using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace AdminCli.Tests.Support;

/// <summary>A client of the relay, for tests of what an operator sees of it.</summary>
internal sealed class RelayClient(WebSocket socket)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>Sends a message and reads up to an answer of this type.</summary>
    public async Task AskAsync(string message, string answer)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        cancel.CancelAfter(Patience);
        await socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, endOfMessage: true, cancel.Token);
        await ReadAsync(answer);
    }

    /// <summary>Reads up to a message of this type.</summary>
    public async Task ReadAsync(string answer)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        cancel.CancelAfter(Patience);
        var buffer = new byte[16 * 1024];
        string? type;
        do
        {
            var result = await socket.ReceiveAsync(buffer.AsMemory(), cancel.Token);
            Assert.True(result.EndOfMessage && result.MessageType == WebSocketMessageType.Text, $"no {answer}");
            using var json = JsonDocument.Parse(buffer.AsMemory(0, result.Count));
            type = json.RootElement.GetProperty("type").GetString();
            Assert.True(type != "error", $"{Encoding.UTF8.GetString(buffer, 0, result.Count)} instead of {answer}");
        }
        while (type != answer);
    }

    /// <summary>Reads up to the close frame.</summary>
    public async Task<(int Code, string Reason)> ClosedAsync()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        cancel.CancelAfter(Patience);
        var buffer = new byte[16 * 1024];
        while (await socket.ReceiveAsync(buffer.AsMemory(), cancel.Token) is not { MessageType: WebSocketMessageType.Close })
        {
        }

        return ((int)socket.CloseStatus!, socket.CloseStatusDescription ?? "");
    }
}
