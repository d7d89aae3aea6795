// A camera, a network that reads digits, and a register for a processor: camera -> crop -> network -> result.
//
// `cnn` is what `rtlnn build` makes of examples/digits/cnn.onnx; the instance is copied from the build folder's
// cnn_template.v.
module vision (
  input  wire        clk,
  input  wire        rst_n,      // synchronous, active low

  // a camera: a pixel in each cycle with both valid signals high
  input  wire        cam_frame_valid,
  input  wire        cam_line_valid,
  input  wire [7:0]  cam_pixel,

  // a processor: see result.v
  input  wire        bus_read,
  input  wire [1:0]  bus_address,
  output wire [31:0] bus_data
);

  wire [7:0] window_tdata, scores_tdata;
  wire window_tvalid, window_tready, window_tlast;
  wire scores_tvalid, scores_tready, scores_tlast;
  wire frame_error;
  wire [15:0] skipped;

  crop #(
    .LEFT(20),
    .TOP(6)
  ) crop (
    .clk           (clk),
    .rst_n         (rst_n),
    .frame_valid   (cam_frame_valid),
    .line_valid    (cam_line_valid),
    .pixel         (cam_pixel),
    .m_axis_tdata  (window_tdata),
    .m_axis_tvalid (window_tvalid),
    .m_axis_tready (window_tready),
    .m_axis_tlast  (window_tlast),
    .skipped       (skipped)
  );

  cnn network (
    .aclk          (clk),
    .aresetn       (rst_n),
    .s_axis_tdata  (window_tdata),
    .s_axis_tvalid (window_tvalid),
    .s_axis_tready (window_tready),
    .s_axis_tlast  (window_tlast),
    .m_axis_tdata  (scores_tdata),
    .m_axis_tvalid (scores_tvalid),
    .m_axis_tready (scores_tready),
    .m_axis_tlast  (scores_tlast),
    .frame_error   (frame_error)
  );

  result result (
    .clk           (clk),
    .rst_n         (rst_n),
    .s_axis_tdata  (scores_tdata),
    .s_axis_tvalid (scores_tvalid),
    .s_axis_tready (scores_tready),
    .s_axis_tlast  (scores_tlast),
    .frame_error   (frame_error),
    .skipped       (skipped),
    .bus_read      (bus_read),
    .bus_address   (bus_address),
    .bus_data      (bus_data)
  );

endmodule
