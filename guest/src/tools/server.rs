//! The tools over MCP, on any stream.
//!
//! Owns the translation: what the crate knows as a server is this list of tools and one way to
//! call them.

use std::borrow::Cow;

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest,
        CustomResult, ErrorCode, Implementation, ListToolsResult, PaginatedRequestParams,
        ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    transport::async_rw::AsyncRwTransport,
};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{ALL, Desk, call, given};
use crate::limits;

/// What the model is told about all of them.
const ABOUT: &str = "Your connection to people, rooms and other agents. Your final answer goes to \
                     where the message came from by itself; these tools are for everything else.";

/// Serves the tools on one connection until its other end is closed. Newline-delimited JSON-RPC.
pub async fn serve<S>(stream: S, desk: Desk)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (read, write) = tokio::io::split(stream);
    let transport =
        AsyncRwTransport::new(read, write).with_max_line_length(limits::TOOL_LINE_BYTES);
    match rmcp::serve_server(Server { desk }, transport).await {
        Ok(running) => {
            let ended = running.waiting().await;
            tracing::debug!(?ended, "a connection to the tools has ended");
        }
        Err(error) => tracing::debug!(%error, "a connection to the tools did not begin"),
    }
}

#[derive(Debug)]
struct Server {
    desk: Desk,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("lazaret", env!("CARGO_PKG_VERSION")))
            .with_instructions(ABOUT)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |spec: &&super::Spec| {
            Tool::new(spec.name, Cow::Borrowed(spec.about), given::schema(spec.fields))
        };
        Ok(ListToolsResult::with_all_items(ALL.iter().map(tool).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.map_or(Value::Null, Value::Object);
        let called = call(&self.desk, &request.name, &arguments).await;
        let text = vec![ContentBlock::text(called.text)];
        let result = if called.is_error {
            CallToolResult::error(text)
        } else {
            CallToolResult::success(text)
        };
        Ok(result.into())
    }

    /// A call whose shape no tool has is not one for the crate; it is still answered in words.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if request.method != "tools/call" {
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method, None));
        }
        let text = "a call names a tool, and its arguments are one JSON object. Nothing was done";
        let content = json!([{ "type": "text", "text": text }]);
        Ok(CustomResult::new(json!({ "content": content, "isError": true })))
    }
}
