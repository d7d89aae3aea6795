// Cuts a window out of a camera's picture and sends it as AXI4-Stream frames, one pixel a beat.
//
// The camera cannot wait: a pixel comes in each cycle with frame_valid and line_valid high. A whole window fits into
// the FIFO, so a window is taken if the FIFO is empty when its picture begins, or else skipped as a whole: half a window
// never reaches the network. `skipped` counts these, modulo 2^16.
module crop #(
  parameter LEFT = 0,            // first column and row of the window
  parameter TOP = 0,
  parameter WIDTH = 8,           // its size; WIDTH * HEIGHT at most 2^ADDRESS_BITS
  parameter HEIGHT = 8,
  parameter ADDRESS_BITS = 6
) (
  input  wire        clk,
  input  wire        rst_n,      // synchronous, active low

  input  wire        frame_valid,
  input  wire        line_valid,
  input  wire [7:0]  pixel,      // 0 is black, 255 is white

  output wire [7:0]  m_axis_tdata,
  output wire        m_axis_tvalid,
  input  wire        m_axis_tready,
  output wire        m_axis_tlast,
  output reg  [15:0] skipped
);

  // Where the camera is in its picture.
  reg [15:0] column, row;
  reg frame_was_valid, line_was_valid, taking;
  wire begins = frame_valid && !frame_was_valid;
  always @(posedge clk) begin
    frame_was_valid <= rst_n && frame_valid;
    line_was_valid <= rst_n && line_valid;
    column <= line_valid ? column + 16'd1 : 16'd0;
    if (!frame_valid)
      row <= 16'd0;
    else if (line_was_valid && !line_valid)
      row <= row + 16'd1;
  end

  wire in_window = frame_valid && line_valid && taking
                && column >= LEFT && column < LEFT + WIDTH && row >= TOP && row < TOP + HEIGHT;
  wire last = column == LEFT + WIDTH - 1 && row == TOP + HEIGHT - 1;

  // A FIFO of pixels, each with the mark of the last one.
  reg [8:0] memory [0:(1 << ADDRESS_BITS) - 1];
  reg [ADDRESS_BITS:0] written, read;
  wire empty = written == read;
  reg [8:0] head;
  reg head_valid;
  wire advance = !empty && (!head_valid || m_axis_tready);
  always @(posedge clk) begin
    if (in_window)
      memory[written[ADDRESS_BITS-1:0]] <= {last, pixel};
    if (!rst_n)
      head <= 9'd0;
    else if (advance)
      head <= memory[read[ADDRESS_BITS-1:0]];
    if (!rst_n) begin
      written <= 0;
      read <= 0;
      head_valid <= 1'b0;
      taking <= 1'b0;
      skipped <= 16'd0;
    end else begin
      written <= written + in_window;
      read <= read + advance;
      head_valid <= advance || (head_valid && !m_axis_tready);
      if (begins) begin
        taking <= empty && !head_valid;
        skipped <= skipped + !(empty && !head_valid);
      end
    end
  end

  // The network takes two's complement around the middle of the range: 0 becomes -128, 255 becomes 127.
  assign m_axis_tdata = {!head[7], head[6:0]};
  assign m_axis_tlast = head[8];
  assign m_axis_tvalid = head_valid;

endmodule
